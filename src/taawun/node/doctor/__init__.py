"""What is wrong with a deployment, and the mend; also of a node that does not start.

``before``: what can be seen without Django. ``inside``: what needs settings and the database. Each check stands alone:
one that falls over is a finding itself, and the others go on.
"""
