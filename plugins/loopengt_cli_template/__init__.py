"""Provides the command ``template``."""
