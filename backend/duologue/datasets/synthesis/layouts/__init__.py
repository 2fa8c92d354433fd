"""Small data sets in the layouts that others are released in, of the kit's motion, speech and faces: to test readers by."""
