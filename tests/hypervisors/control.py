def results():
    return []
