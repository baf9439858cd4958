-- Only sqlc reads this: schemas that statements name. pg.Migrate creates them.
CREATE SCHEMA platform;
