"""What a trained network looks at: its tables and figures."""
