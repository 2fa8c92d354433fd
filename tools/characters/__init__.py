"""The builder of Ada and Ben, the two sample characters, and their contact sheets."""
