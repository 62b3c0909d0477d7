"""CPU seconds of the processes that have been started and have ended."""
import resource


def cpu_s():
    """User and system time of all ended children and their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
