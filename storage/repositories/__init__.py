"""All SQL of the project, one repository per entity. Repositories take and return contracts and never commit."""
