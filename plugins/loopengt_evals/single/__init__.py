"""What ``loopengt eval RUN…`` does: asks, and shows what was found."""
