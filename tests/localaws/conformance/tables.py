"""All cases, service by service."""

from cases_ecr import ECR
from cases_iam import IAM
from cases_lambda import LAMBDA
from cases_objects import S3
from cases_rest import LOGS, MESSAGES, REKOGNITION
from cases_states import STATES

TABLES = (S3, LAMBDA, STATES, REKOGNITION, IAM, ECR, LOGS, MESSAGES)
CASES = [case for table in TABLES for case in table.cases]
