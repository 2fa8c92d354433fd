"""What the models train from: the body from folders on disk, the face from conversations in memory."""
