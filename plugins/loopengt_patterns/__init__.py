"""The built-in patterns, each a plain async function over a run."""
