"""What every room uses. It knows no Team, code or notice, and imports nothing of ours."""
