"""What detection reads and writes: traces as trajectories, histories, norms; findings, health, watermarks."""
