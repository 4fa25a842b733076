# SPDX-License-Identifier: BSD-3-Clause
"""Hugepages for tests that can't do without: the machine's limit of what it lends is raised meanwhile, nothing is set aside."""
import fcntl
import os
import tempfile
import unittest

HUGE = '/sys/kernel/mm/hugepages/hugepages-2048kB/'
OVERCOMMIT = HUGE + 'nr_overcommit_hugepages'


def number(path):
    with open(path) as f:
        return int(f.read())


def there():
    return os.path.isdir(HUGE)


def lend(pages):
    try:
        with open(OVERCOMMIT, 'w') as f:
            f.write(str(pages))
    except OSError as e:
        raise unittest.SkipTest(f'this machine lends no hugepages: {e}') from None


class Lent:
    """So many pages of 2 MiB may be had while this lasts; one test at a time."""

    def __init__(self, pages):
        self.pages = pages

    def __enter__(self):
        self.lock = open(os.path.join(tempfile.gettempdir(), 'sluice-hugepages.lock'), 'w')
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.before = number(OVERCOMMIT)
        missing = self.pages - number(HUGE + 'free_hugepages') - self.before + number(HUGE + 'surplus_hugepages')
        if missing > 0:
            lend(self.before + missing)
        return self

    def __exit__(self, *rest):
        if number(OVERCOMMIT) != self.before:
            lend(self.before)
        self.lock.close()
