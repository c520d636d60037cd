"""The demo: the main job end to end on a real API server and the ARM emulator, every step checked.

`screen` prints, `stage` runs commands and checks what they led to, `play` is the story itself,
`summary` counts, `command` is `python -m sandbox demo`.
"""
