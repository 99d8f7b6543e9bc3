"""Hours that people have worked: how they are read, rounded and summed up."""
