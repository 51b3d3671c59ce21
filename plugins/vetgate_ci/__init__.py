"""Reports for continuous integration: JUnit, SARIF, GitLab code quality, and annotations of GitHub Actions."""
