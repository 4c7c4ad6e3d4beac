"""What signing in has to know at each of its steps, and the proof between password and code."""
