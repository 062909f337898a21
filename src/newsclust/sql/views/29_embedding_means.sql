-- What was subtracted from the vectors: nothing, in the working file. The published file holds them as a table.
CREATE OR REPLACE VIEW internal.embedding_means AS
SELECT NULL::TEXT AS model, NULL::TEXT AS part, NULL::FLOAT[] AS mean
WHERE false;
COMMENT ON VIEW internal.embedding_means IS 'What was subtracted from the vectors, which then got unit length again';
COMMENT ON COLUMN internal.embedding_means.model IS 'Of the vectors';
COMMENT ON COLUMN internal.embedding_means.part IS 'text: of the column vector; title: of title_vector';
COMMENT ON COLUMN internal.embedding_means.mean IS 'The mean of such vectors';
