#!/usr/bin/env bash
# The benchmark calls this before it builds an entry; Hemet needs no other library.
