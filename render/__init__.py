"""Meshes and the offscreen OpenGL renderer.

Knows layers as arrays (colour, disparity, links) and cameras as matrices; imports nothing of the sibling packages.
Camera axes as OpenCV: x right, y down, z forward. Frames come out with the top row first.
"""
