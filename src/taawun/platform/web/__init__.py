"""The web shell: components, problem documents, paging, and what every page leans on."""
