#!/bin/sh
exec ottla topics "$@"
