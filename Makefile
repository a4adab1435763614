# The jobs live in ./run, so that they work where make is not installed.
.PHONY: demo test check fix bench docs lock
demo test check fix bench docs lock:
	./run $@
