"""What is said of data: actions, phones, and which clips are held out."""
