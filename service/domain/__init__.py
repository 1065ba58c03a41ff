"""The pure core: values and decisions. Never awaits, reads a clock, draws a random number, logs
or does I/O.
"""
