"""All cases, service by service."""

from cases_ecr import ECR
from cases_functions import LAMBDA
from cases_iam import IAM
from cases_machines import STATES
from cases_objects import S3
from cases_rest import LOGS, MESSAGES, REKOGNITION

TABLES = (S3, LAMBDA, STATES, REKOGNITION, IAM, ECR, LOGS, MESSAGES)
CASES = [case for table in TABLES for case in table.cases]
