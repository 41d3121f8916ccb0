"""`python -m photo3d_video` is `render-3dphoto`."""

from photo3d_video.cli.command import run_command

run_command()
