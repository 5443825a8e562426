"""The rooms joined and put on the network: actions, HTTP, command line, settings, wiring."""
