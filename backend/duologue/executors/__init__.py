"""Where many tasks of one kind are done: in this process, in several of this machine, or on a cluster. Whichever it is, the
results are the same and come in the order of the tasks."""
