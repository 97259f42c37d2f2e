"""Is no Python at all.

def run(task:
