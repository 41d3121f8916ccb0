"""The command `render-3dphoto`: its options, what it prints, and the check of an installation."""
