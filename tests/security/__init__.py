"""Tests of ccplatform.security."""
