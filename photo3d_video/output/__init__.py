"""What a run writes: kinds of files and what they are asked to be, encoders, video files, single pictures."""
