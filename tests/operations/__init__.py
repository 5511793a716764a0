"""Tests of ccplatform.operations."""
