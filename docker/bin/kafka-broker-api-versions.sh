#!/bin/sh
exec ottla api-versions "$@"
