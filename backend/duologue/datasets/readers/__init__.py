"""Other people's data as they have it: one file a layout."""
