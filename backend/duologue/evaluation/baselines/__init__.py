"""Networks of other papers that ours are held against."""
