"""Diagnostics of activations, gradients and parameters, one per file.

Diagnostics only observe: the training step in `bnlab.training` computes and records what they look at.
"""
