"""The studio: a local web application that lifts what is dropped onto it, one job after another."""
