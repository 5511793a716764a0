"""Tests of ccplatform.storage."""
