-- Where the vectors lie. Publishing fills the table of this name: here nothing is sorted into cells.
CREATE OR REPLACE VIEW internal.search_cells AS
SELECT 0 AS cell, vector AS centre FROM embeddings WHERE false;
COMMENT ON VIEW internal.search_cells IS 'Where the vectors lie: a search by meaning reads the nearest cells alone';
COMMENT ON COLUMN internal.search_cells.cell IS 'As in embeddings';
COMMENT ON COLUMN internal.search_cells.centre IS 'Of the column vector of its articles; unit length';
CREATE OR REPLACE VIEW internal.embeddings AS SELECT *, NULL::INTEGER AS cell FROM main.embeddings;
