"""From sound files and transcripts to what the models listen to."""
