"""A local stand-in for Azure Resource Manager, as far as AKS authorized IP ranges need it.

The whole behaviour is synchronous and free of I/O (`front.ArmFront` over `world.World`, with a
clock of one's choice); `app` puts it on HTTPS, `control` steers it from tests and the demo, and
`process` runs it as a child. Start with `ArmEmulator` (in the running loop) or `ArmProcess`.
"""
