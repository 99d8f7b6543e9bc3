"""The contract suites of the extension points, a module each; ``loopengt.testing`` has their names."""
