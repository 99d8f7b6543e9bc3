"""Reports on evaluations: for a terminal, programs, CI servers, pull requests and browsers."""
