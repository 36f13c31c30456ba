"""All SQL of the project: one repository per noun, contracts in and out, never a commit."""
