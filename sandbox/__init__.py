"""The operator's world on one machine: a real Kubernetes API server and an ARM emulator.

For a laptop, CI and a first look, where neither a management cluster nor an Azure subscription
is at hand. Everything listens on loopback, several sandboxes run side by side, and nothing
outlives the process that started it.
"""
