"""What every room stands on: it knows no Team, no code and no notice, and imports nothing of ours."""
