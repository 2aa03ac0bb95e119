module ottla/compat-tests/go-harness

go 1.26.0
