"""Text as every stage needs it: decoded, sanitised, plain, split into tokens and sentences, compared."""
