-- Vectors have unit length, so that a dot product is a cosine.
SELECT article_id, model, list_dot_product(vector, vector) AS squared_length
FROM embeddings
WHERE abs(list_dot_product(vector, vector) - 1) > 0.001;
