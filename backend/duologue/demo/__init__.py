"""The dialogue that ``duologue demo`` performs: synthetic, written and made by us. ``build`` makes it again."""
