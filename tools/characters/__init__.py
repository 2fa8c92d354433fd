"""Contact sheets and pictures of Ada and Ben, the two sample characters."""
